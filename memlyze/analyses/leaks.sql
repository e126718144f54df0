-- Every site that is judged, those that need attention first.
SELECT * FROM leaks(site := $site);
