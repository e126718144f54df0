-- One window; no row: there is none of this number.
SELECT *, _window_label(kind, method, name) AS label FROM windows WHERE window_id = $window_id;
