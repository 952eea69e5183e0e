// Shows that the TypeScript SDK 1.x hands our error sentences to its user: node ts_error_sentence.mjs URL
//
// Once it has listed the tools, this SDK validates structured content against each tool's outputSchema, on errors too,
// and throws a schema complaint in place of the server's sentence if the two do not fit. So list first, then provoke
// one error of bad arguments and one of an unknown job.
//
// FARCALL_PEERS names the folder that peers/install filled; EXAMPLE_MCP_TOKEN is sent as the Bearer token.
// Prints {"tool", "isError", "text"} as one JSON line a call; exit status 0 if both are tool errors with a sentence.

import { createRequire } from "node:module";
import path from "node:path";

const UNKNOWN_JOB = "00000000000000000000000000000000";

function fail(sentence) {
  console.error(`error: ${sentence}`);
  process.exit(1);
}

const [url] = process.argv.slice(2);
if (!url) fail("the address of the MCP endpoint is missing");
if (!process.env.FARCALL_PEERS) fail("FARCALL_PEERS does not name the folder that peers/install filled");

const require = createRequire(path.resolve(process.env.FARCALL_PEERS, "node", "package.json"));
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");

const token = process.env.EXAMPLE_MCP_TOKEN;
const requestInit = token ? { headers: { Authorization: `Bearer ${token}` } } : {};

async function provoke(client, name, args) {
  let result;
  try {
    result = await client.callTool({ name, arguments: args });
  } catch (error) {
    fail(`${name} was not answered with a tool error, the SDK threw: ${error.message}`);
  }
  const text = result.content.map((block) => block.text ?? "").join("");
  console.log(JSON.stringify({ tool: name, isError: result.isError === true, text }));
  if (result.isError !== true) fail(`${name} was not answered with a tool error`);
  return text;
}

// What the server promises for every tool error: {"error": "<sentence>"}.
function sentenceOf(name, text) {
  let sentence;
  try {
    sentence = JSON.parse(text).error;
  } catch {
    fail(`the error text of ${name} is not JSON: ${text}`);
  }
  if (typeof sentence !== "string" || sentence.trim().split(/\s+/).length < 3) {
    fail(`the error of ${name} holds no readable sentence: ${text}`);
  }
  return sentence;
}

const client = new Client({ name: "farcall-acceptance", version: "1" });
try {
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  await client.listTools();
} catch (error) {
  fail(`cannot list the tools of ${url}: ${error.message}`);
}

const wrongType = sentenceOf("add", await provoke(client, "add", { a: "two", b: 3 }));
if (!/\ba\b/.test(wrongType)) fail(`the error of add does not name the parameter \`a\`: ${wrongType}`);

const unknownJob = sentenceOf("get_render_status", await provoke(client, "get_render_status", { job_id: UNKNOWN_JOB }));
if (!unknownJob.includes("unknown job_id")) {
  fail(`the error of get_render_status does not say that the job is unknown: ${unknownJob}`);
}

await client.close();
