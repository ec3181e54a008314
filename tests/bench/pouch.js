// Both ends of the peer of our push. It must never be part of what ships.
//
//   node pouch.js serve FOLDER                        express-pouchdb, LevelDB in FOLDER; prints its port
//   node pouch.js push FOLDER ROWS URL BATCH          fills a PouchDB in FOLDER with ROWS (a JSON
//                                                     document a line), then replicates it to URL
"use strict";
const fs = require("fs");
const PouchDB = require("pouchdb");

function serve(folder) {
  const app = require("express")();
  const Stored = PouchDB.defaults({ prefix: folder + "/" });
  // The least that PouchDB speaks: no log, no sessions, no web pages.
  app.use("/", require("express-pouchdb")(Stored, {
    mode: "minimumForPouchDB",
    configPath: folder + "/config.json",
    logPath: folder + "/log.txt",
  }));
  const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
}

async function push(folder, rows, url, batch) {
  const local = new PouchDB(folder + "/local");
  const documents = fs.readFileSync(rows, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  for (let at = 0; at < documents.length; at += 1000) {
    const answers = await local.bulkDocs(documents.slice(at, at + 1000));
    if (answers.some((one) => one.error)) throw new Error("the local database refused a document");
  }
  const remote = new PouchDB(url);
  await remote.info();
  const began = process.hrtime.bigint();
  const done = await local.replicate.to(remote, { batch_size: batch });
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const there = (await remote.info()).doc_count;
  if (!done.ok || done.docs_written !== documents.length || there !== documents.length) {
    throw new Error(`${there} of ${documents.length} documents are there: ${JSON.stringify(done)}`);
  }
  console.log(JSON.stringify({ seconds }));
}

const [mode, folder, rows, url, batch] = process.argv.slice(2);
if (mode === "serve") {
  serve(folder);
} else {
  push(folder, rows, url, Number(batch)).catch((error) => {
    console.error(error.message || error);
    process.exit(1);
  });
}
