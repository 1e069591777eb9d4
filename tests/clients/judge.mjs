// Judges every document of tests/corpus with graphql-js and compares with its stated verdict.
//
// A folder holds `schema.graphql` and files of documents written for it. In such a file a line
// `#: valid TITLE` or `#: invalid TITLE` begins a document, which runs until the next such line.
// `2025` before the title: graphql-js 16 may judge otherwise, and the September 2025 specification decides.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSchema, parse, specifiedRules, validate } from "graphql";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "corpus");
const header = /^#: (valid|invalid) (2025 )?(\S.*)$/;

function* folders(folder) {
  yield folder;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && entry.name !== "node_modules") yield* folders(join(folder, entry.name));
  }
}

// Only a line feed ends a line here: the documents themselves may hold carriage returns.
function documents(file) {
  const found = [];
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (line.startsWith("#:")) {
      const [, verdict, edition, title] = header.exec(line) ?? fail(`${file}: cannot read ${line}`);
      if (found.some((document) => document.title === title)) fail(`${file}: two documents are called ${title}`);
      found.push({ verdict, edition: edition !== undefined, title, lines: [] });
    } else if (found.length > 0) {
      found.at(-1).lines.push(line);
    } else if (line.trim() !== "" && !line.startsWith("#")) {
      fail(`${file}: ${line} comes before the first document`);
    }
  }
  return found.map(({ lines, ...rest }) => ({ ...rest, text: lines.join("\n") }));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

function messages(schema, text) {
  try {
    return validate(schema, parse(text), specifiedRules).map((error) => error.message);
  } catch (error) {
    return [error.message];
  }
}

const count = { valid: 0, invalid: 0, "valid 2025": 0, "invalid 2025": 0 };
let differences = 0;
for (const folder of folders(root)) {
  const files = readdirSync(folder).filter((name) => name.endsWith(".graphql") && name !== "schema.graphql").sort();
  if (files.length === 0) continue;
  const schema = buildSchema(readFileSync(join(folder, "schema.graphql"), "utf8"));
  for (const name of files) {
    const file = join(folder, name);
    for (const { verdict, edition, title, text } of documents(file)) {
      count[edition ? `${verdict} 2025` : verdict] += 1;
      if (edition) continue;
      const errors = messages(schema, text);
      const judged = errors.length === 0 ? "valid" : "invalid";
      if (judged === verdict) continue;
      differences += 1;
      console.error(`${relative(root, file)}: "${title}" is stated ${verdict}, but judged ${judged}`);
      for (const message of errors) console.error(`  ${message}`);
    }
  }
}
for (const [verdict, number] of Object.entries(count)) console.log(`${verdict}: ${number}`);
const total = Object.values(count).reduce((sum, number) => sum + number);
console.log(JSON.stringify({ documents: total, differences }));
if (differences > 0) process.exit(1);
