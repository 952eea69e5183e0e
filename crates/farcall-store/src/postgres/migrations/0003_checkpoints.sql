-- A step may put aside where it is before any stage is finished.
ALTER TABLE checkpoints DROP CONSTRAINT "a checkpoint is of a finished stage";
ALTER TABLE checkpoints ADD CONSTRAINT "a checkpoint is of a finished stage" CHECK (stage >= 0);
