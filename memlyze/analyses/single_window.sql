-- One window; no row: there is none of this number.
SELECT * FROM windows WHERE window_id = $window_id;
