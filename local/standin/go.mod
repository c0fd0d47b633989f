module pyairtable.example/standin

go 1.26
