-- What a window is called where its like are listed: a request with its method, a task and such with its kind.
CREATE MACRO _window_label(of_kind, of_method, of_name) AS
CASE
    WHEN of_method <> '' THEN of_method || ' '
    WHEN of_kind IN ('window', 'call') THEN ''
    ELSE of_kind || ' '
END
|| CASE
    WHEN of_name <> '' THEN of_name
    WHEN of_kind IN ('window', 'call') THEN '(no name)' -- the program has called it so
    ELSE '(not finished)'
END;
