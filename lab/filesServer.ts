/**
 * The process that serves the lab's files to its hosts: `node --require ../typescript.cjs filesServer.ts <folder> <address> <port>`.
 */
import http from "node:http";
import send from "send";

const [folder = ".", address, port] = process.argv.slice(2);

http
  .createServer((request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { Allow: "GET, HEAD" }).end();
      return;
    }
    const url = request.url ?? "/";
    // Not every path is part of a URL: `//` would be a host without a name.
    if (!URL.canParse(url, "http://lab")) {
      response.writeHead(400).end("Bad Request");
      return;
    }
    const { pathname } = new URL(url, "http://lab");
    send(request, pathname, { root: folder, index: false, dotfiles: "deny" })
      .on("directory", () => response.writeHead(404).end("Not Found"))
      .pipe(response);
  })
  .listen(Number(port), address);
