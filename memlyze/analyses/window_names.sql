-- Names that windows have, as they are listed.
SELECT DISTINCT _window_label(kind, method, name) AS name FROM _raw_windows ORDER BY name LIMIT $count;
