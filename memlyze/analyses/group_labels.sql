-- What the groups of a flame graph are called: threads, processes or windows.
SELECT group_id, label FROM _group_labels($group);
