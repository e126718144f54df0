-- What frames are called; one row for each.
SELECT frame_id, function, file, line::BIGINT AS line, module, origin
FROM frames
ORDER BY frame_id;
