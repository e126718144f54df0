-- Names that windows have.
SELECT DISTINCT name FROM windows ORDER BY name LIMIT $count;
