"""The JSON of the native API: what comes in is checked here, what goes out is documented here."""
