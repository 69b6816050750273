// Loaded before a program: ends it, in good order, when whoever started it closes its standard input or is gone.
"use strict";
const end = () => {
    setTimeout(() => process.exit(0), 5000).unref();
    if (!process.emit("SIGINT")) process.exit(0);
};
process.stdin.on("end", end);
process.stdin.on("error", end);
process.stdin.resume();
