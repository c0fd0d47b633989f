-- +goose Up
ALTER TABLE records DROP COLUMN comment;

-- +goose Down
ALTER TABLE records ADD COLUMN comment text;
