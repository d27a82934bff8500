// Holds an AsyncAPI document to the official parser: any diagnostic but a hint fails. Run from the folder of the installed tools:
//   node asyncapi.mjs TOOLS FILE
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [tools, file] = process.argv.slice(2).map((path) => resolve(path));
const { Parser, fromFile } = createRequire(`${tools}/package.json`)('@asyncapi/parser');
const parser = new Parser();
const { document, diagnostics } = await fromFile(parser, file).parse();
const faults = diagnostics.filter((one) => one.severity <= 1);
for (const one of faults) console.error(`${one.path.join('.')}: ${one.message} (${one.code})`);
if (!document || faults.length > 0) process.exit(1);
const messages = document.messages().all();
const empty = messages.filter((message) => !message.hasPayload());
if (empty.length > 0) process.exit(1);
console.log(`${document.channels().all().length} channels, ${messages.length} messages, ${diagnostics.length} hints`);
