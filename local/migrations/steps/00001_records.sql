-- +goose Up
CREATE TABLE records (
    number bigint PRIMARY KEY,
    backend text NOT NULL,
    comment text,
    written_at timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE records;
