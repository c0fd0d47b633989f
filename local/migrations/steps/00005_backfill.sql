-- +goose Up
UPDATE records SET bucket = number / 1000 WHERE bucket IS NULL;
