-- Names that threads have.
SELECT DISTINCT name FROM threads WHERE name IS NOT NULL ORDER BY name LIMIT $count;
