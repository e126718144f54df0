-- The types of objects, as they are called in full.
CREATE VIEW _named_types AS
SELECT type_id, CASE WHEN module IN ('builtins', '') THEN name ELSE module || '.' || name END AS type
FROM _raw_object_types;
