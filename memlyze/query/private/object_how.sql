-- How an object refers to another, as a person would write it: `.history`, `['u17']`, `[3]`.
CREATE MACRO _object_how(how, number, name, key) AS
CASE how
    WHEN 1 THEN '.' || coalesce(name, '?')
    WHEN 2 THEN 'key'
    WHEN 3 THEN '[' || coalesce(key, name, '…') || ']'
    WHEN 4 THEN '[' || number || ']'
    WHEN 5 THEN 'local ' || coalesce(name, '?')
    WHEN 6 THEN 'member'
    WHEN 7 THEN 'type'
    ELSE 'other'
END;
