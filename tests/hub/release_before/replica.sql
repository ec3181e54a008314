BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'release','m001_release','2026-11-29 06:00:02.271459+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'catalog','m001_catalog','2026-11-29 06:00:02.273633+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'sync','m001_replica','2026-11-29 06:00:02.310174+00:00');
CREATE TABLE barcode (gtin TEXT PRIMARY KEY, sku TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "barcode" VALUES('09521234543213','4711');
CREATE TABLE external_id (
        value TEXT NOT NULL, system TEXT NOT NULL, sku TEXT NOT NULL,
        PRIMARY KEY (value, system, sku)
    ) WITHOUT ROWID;
CREATE TABLE pickup_key (key_id TEXT PRIMARY KEY, public_key TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "pickup_key" VALUES('5677e773','qTIEiCfAZH7ovx7PamerjrCKfRL_ZEd3pnq-nPe1QGM');
CREATE TABLE price (
        sku TEXT NOT NULL,
        valid_from TEXT NOT NULL,
        valid_until TEXT,
        amount_minor INTEGER NOT NULL,
        currency TEXT NOT NULL,
        tax_rate_bp INTEGER NOT NULL,
        tax_included INTEGER NOT NULL,
        per_qty INTEGER NOT NULL,
        PRIMARY KEY (sku, valid_from)
    ) WITHOUT ROWID;
INSERT INTO "price" VALUES('4711','',NULL,349,'EUR',0,1,1);
CREATE TABLE product (
        id INTEGER PRIMARY KEY,
        sku TEXT NOT NULL UNIQUE,
        names TEXT NOT NULL,
        descriptions TEXT NOT NULL,
        brand TEXT,
        category TEXT,
        unit TEXT NOT NULL,
        image TEXT,
        popularity INTEGER NOT NULL,
        external_ids TEXT NOT NULL,
        words TEXT NOT NULL
    );
INSERT INTO "product" VALUES(34084860461057,'4711','{"en":"Rye bread"}','{}',NULL,'bakery','piece',NULL,0,'{}','rye bread bakery');
CREATE VIRTUAL TABLE product_search USING fts5(
        words, content='product', content_rowid='id', tokenize='ascii',
        prefix='1 2 3 4 5', detail=none, columnsize=0
    );
INSERT INTO product_search (product_search) VALUES ('rebuild');
CREATE TABLE "release" (
   "id" INTEGER PRIMARY KEY,
   "min_reader" INTEGER
);
INSERT INTO "release" VALUES(1,1);
CREATE TABLE sync_replica (id INTEGER PRIMARY KEY CHECK (id = 1), generation TEXT NOT NULL, position INTEGER NOT NULL, as_of TEXT);
INSERT INTO "sync_replica" VALUES(1,'9787d83a055593dd',4,'2026-11-29T06:00:02.359Z');
CREATE TABLE word (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE, uses INTEGER NOT NULL);
INSERT INTO "word" VALUES(1,'rye',1);
INSERT INTO "word" VALUES(2,'bread',1);
INSERT INTO "word" VALUES(3,'bakery',1);
CREATE VIRTUAL TABLE word_part USING fts5(
        word, content='word', content_rowid='id', tokenize='trigram', columnsize=0
    );
INSERT INTO word_part (word_part) VALUES ('rebuild');
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE TRIGGER word_added AFTER INSERT ON word BEGIN
        INSERT INTO word_part (rowid, word) VALUES (new.id, new.word);
    END;
CREATE TRIGGER word_gone AFTER DELETE ON word BEGIN
        INSERT INTO word_part (word_part, rowid, word) VALUES ('delete', old.id, old.word);
    END;
CREATE INDEX barcode_sku ON barcode (sku);
COMMIT;