-- What an estimate's 95 % interval is, and when it says too little: the one rule of all that show figures (see
-- `docs/how-it-works.md`). `unseen` is that of `_sampling`.
--
-- Half width of the interval around so many bytes. Of nothing it is what may have gone unseen; 0: exact.
CREATE MACRO _bytes_error(bytes, variance, unseen) AS
CASE WHEN abs(coalesce(bytes, 0)) < 0.5 THEN unseen ELSE 1.96 * sqrt(greatest(coalesce(variance, 0), 0)) END;
-- Half width of the interval around so many allocations. Small objects, which are most of them, may always have gone unseen.
CREATE MACRO _allocations_error(variance, unseen) AS
greatest(1.96 * sqrt(greatest(coalesce(variance, 0), 0)), unseen);
-- Whether a figure rests on too few samples: its interval is as wide as that of fewer than ten that count alike.
CREATE MACRO _rests_on_few(figure, error) AS
error > 0.62 * abs(figure);
