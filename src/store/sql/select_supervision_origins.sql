SELECT DISTINCT origin FROM supervision_entries
