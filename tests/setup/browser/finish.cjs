// Unpacks the browser, its libraries and its font into the working directory. The package does the same when it is asked to, into /tmp.
"use strict";
const fs = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");
const { pipeline } = require("node:stream/promises");
const { createBrotliDecompress } = require("node:zlib");

const home = process.cwd();
const packed = (name) => join(home, "node_modules/@sparticuz/chromium/bin", name);
const { extract } = createRequire(join(home, "package.json"))("tar-fs");
const unpack = (name, into) => pipeline(fs.createReadStream(packed(name)), createBrotliDecompress(), into);

async function main() {
    await unpack("al2023.tar.br", extract(home));
    await unpack("fonts.tar.br", extract(home));
    const fonts = `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>${home}/fonts</dir><cachedir>${home}/fonts-cache</cachedir></fontconfig>`;
    fs.writeFileSync(join(home, "fonts.conf"), fonts);
    await unpack("chromium.br", fs.createWriteStream(join(home, "chromium"), { mode: 0o755 }));
    fs.rmSync(packed("chromium.br"));
}
main().catch((error) => {
    console.error(error);
    process.exit(1);
});
