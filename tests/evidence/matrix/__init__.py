"""The table driver x operation: what each driver does, each cell tried against something that speaks its protocol."""
