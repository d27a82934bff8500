SELECT origin, witness, witness_key, checkpoint, at FROM cosigned ORDER BY origin, witness
