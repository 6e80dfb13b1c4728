import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";

const root = new URL("../../../samples/Quickstart/wwwroot", import.meta.url);
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/**
 * Serves the real page with an API that a test plays: `api.chat(body, stream)` answers, `api.documents` and `api.texts` are what is there.
 */
export async function startFakeServer(api) {
  const server = createServer((request, response) => void handle(api, request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function handle(api, request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  const json = (status, value) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  if (pathname === "/api/documents") {
    return json(200, { documents: api.documents, next: null });
  }

  if (pathname.startsWith("/api/documents/")) {
    const found = api.texts[decodeURIComponent(pathname.split("/")[3])];
    return found ? json(200, found) : json(404, { title: "Not found", detail: "There is no such document." });
  }

  if (/^\/api\/chat\/[^/]+\/stop$/.test(pathname)) {
    api.stops?.push(decodeURIComponent(pathname.split("/")[3]));
    return response.writeHead(204).end();
  }

  if (pathname === "/api/chat") {
    let body = "";
    for await (const chunk of request) {
      body += chunk;
    }

    return api.chat(JSON.parse(body), {
      refuse: json,
      begin: () => response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders(),
      send: (...events) => events.forEach((event) => response.write(`data: ${JSON.stringify(event)}\n\n`)),
      end: () => response.end("data: [DONE]\n\n"),
      drop: () => response.destroy(),
      closed: once(response, "close"),
    });
  }

  try {
    const path = pathname === "/" ? "/index.html" : pathname;
    const content = await readFile(new URL(root + path));
    response.writeHead(200, { "content-type": types[extname(path)] }).end(content);
  } catch {
    response.writeHead(404).end();
  }
}
