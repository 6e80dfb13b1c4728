import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const sample = fileURLToPath(new URL("../../../samples/Quickstart/", import.meta.url));
const built = ["Debug", "Release"]
  .map((configuration) => join(sample, "bin", configuration, "net10.0", "Quickstart.dll"))
  .filter((path) => existsSync(path))
  .sort((left, right) => statSync(right).mtimeMs - statSync(left).mtimeMs);

/** The newest build of the sample, if there is one. */
export const quickstart = built[0];

/** Starts the built sample on a free port, with a copy of its knowledge and a data file of its own. */
export async function startQuickstart() {
  const folder = mkdtempSync(join(tmpdir(), "quickstart-"));
  const knowledge = join(folder, "knowledge");
  cpSync(join(sample, "knowledge"), knowledge, { recursive: true });
  const url = `http://127.0.0.1:${await freePort()}`;

  // Without a model: what the laptop's environment says about models must not decide over a test.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(LLM|EMBEDDING)_/.test(name)));
  const args = [quickstart, "--folder", knowledge, "--data", join(folder, "quickstart.db"), "--urls", url];
  const child = spawn("dotnet", args, { cwd: sample, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (data) => (output += data));
  child.stderr.on("data", (data) => (output += data));
  const exited = once(child, "exit");
  const stop = async () => {
    child.kill("SIGTERM");
    const [code] = await exited;
    rmSync(folder, { recursive: true, force: true });
    return { code, output };
  };

  try {
    await ready(url, child, () => output);
  } catch (error) {
    await stop();
    throw error;
  }

  return { url, knowledge, stop };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function ready(url, child, output) {
  const deadline = Date.now() + 40_000;
  for (;;) {
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`The sample ${child.exitCode === null ? "was not ready in 40 s" : `ended with ${child.exitCode}`}:\n${output()}`);
    }

    const answer = await fetch(`${url}/health/ready`).catch(() => null);
    if (answer?.ok) {
      return;
    }

    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
