// Serves an emulator of SNS and SQS, in memory, at 127.0.0.1 and the port that is its argument, until it is killed.
import { buildApp } from "fauxqs";

const port = Number(process.argv[2]);
await buildApp({ logger: false, host: `127.0.0.1:${port}` }).listen({ port, host: "127.0.0.1" });
