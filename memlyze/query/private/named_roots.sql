-- What holds objects from outside, in the order of the reader's rows, from 0 on.
CREATE VIEW _named_roots AS
SELECT
    root,
    CASE kind
        WHEN 0 THEN 'module ' || name
        WHEN 1 THEN 'local ' || name || ' of ' || function || ' (' || file || ':' || line || ')'
        WHEN 2 THEN 'namespace of ' || function || ' (' || file || ':' || line || ')'
        WHEN 3 THEN name || ' of a thread'
        ELSE 'root'
    END AS holder
FROM _raw_object_roots;
