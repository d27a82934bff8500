// Redocly ends with 0 on warnings; here they fail too:
//   node redocly.mjs REPORT
import { readFileSync } from 'node:fs';

const { totals, problems } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
for (const one of problems) console.error(`${one.severity} ${one.ruleId}: ${one.message} ${one.location?.[0]?.pointer ?? ''}`);
console.log(`redocly: ${totals.errors} errors, ${totals.warnings} warnings`);
if (totals.errors + totals.warnings > 0) process.exit(1);
