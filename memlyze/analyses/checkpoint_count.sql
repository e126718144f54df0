-- How many checkpoints there are; one row.
SELECT count(*) AS checkpoints FROM checkpoints;
