// Runs a script of R, compiled to WebAssembly, in this folder: `node rscript.mjs script.R`.
import { WebR } from "webr";

const R = "4.6.0";
const [script] = process.argv.slice(2);
if (script === "--version") {
  console.log(`Rscript (R) version ${R}`);
  process.exit(0);
}
const webR = new WebR({ interactive: false });
await webR.init();
await webR.FS.mkdir("/here");
await webR.FS.mount("NODEFS", { root: process.cwd() }, "/here");
const code = `setwd("/here"); options(device = "pdf"); source(${JSON.stringify(script)}, print.eval = TRUE)`;
const shelter = await new webR.Shelter();
try {
  const { output } = await shelter.captureR(code, { withAutoprint: false, captureGraphics: false });
  for (const { type, data } of output) {
    if (type === "stdout") console.log(data);
    else console.error(typeof data === "string" ? data : type);
  }
} catch (problem) {
  console.error(String(problem));
  process.exitCode = 1;
}
await webR.evalRVoid("graphics.off()");
webR.close();
