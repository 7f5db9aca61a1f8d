// Serves what a channel needs of Azure Service Bus, in memory, at 127.0.0.1 and the port that is its argument, until it is killed: messages
// by AMQP 1.0, and topics and subscriptions by HTTP, on one port. Both want a signature by the key "secret": under the name "all" for
// all, under "listen" to receive. No message expires, nor does a subscription.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { createServer as createListener } from "node:net";
import rhea from "rhea";

const mostBytes = 256 << 10; // of a message, as in the Standard tier
const topics = new Map(); // by name: the entry, the links that send to it, and the subscriptions, each with its entry, link and messages

/** Answers the name that a valid signature is made under. */
function signer(token = "") {
  const [, resource, signature, expiry, name] = /^SharedAccessSignature sr=([^&]+)&sig=([^&]+)&se=(\d+)&skn=(.+)$/.exec(token) ?? [];
  const right = createHmac("sha256", "secret").update(`${resource}\n${expiry}`).digest("base64");
  return name && decodeURIComponent(signature) === right && expiry * 1000 > Date.now() ? name : undefined;
}

const subscriptionAt = (address) => {
  const [topic, kind, name] = address.split("/");
  return kind === "Subscriptions" ? topics.get(topic)?.subscriptions.get(name) : undefined;
};

// What a person does by Azure's pages, by HTTP.

function administer(method, { pathname, searchParams }, body) {
  const [topic, kind, name] = pathname.slice(1).split("/");
  if (method === "POST") { // no call of Azure's: it ends links by itself once they are idle
    topics.forEach((t) => ended(t, "amqp:link:detach-forced"));
    return [200, ""];
  }
  const known = topics.get(topic);
  if (kind === undefined) {
    return change(method, topics, topic, () => ({ entry: body, senders: new Set(), subscriptions: new Map() }));
  }
  if (!known) {
    return [404, ""];
  }
  if (!name) { // the list is one page
    const all = searchParams.has("$skip") ? [] : [...known.subscriptions.values()];
    return [200, `<feed xmlns="http://www.w3.org/2005/Atom">${all.map((s) => s.entry).join("")}</feed>`];
  }
  return change(method, known.subscriptions, name, () => ({ entry: titled(body, name), messages: [] }));
}

function change(method, all, name, make) {
  const known = all.get(name);
  switch (method) {
    case "PUT":
      if (known) {
        return [409, ""];
      }
      all.set(name, make());
      return [201, all.get(name).entry];
    case "DELETE":
      if (known) {
        all.delete(name);
        ended(known, "amqp:not-found");
      }
      return [known ? 200 : 404, ""];
    default:
      return known ? [200, known.entry] : [200, `<feed xmlns="http://www.w3.org/2005/Atom"><title>Publicly Listed Services</title></feed>`];
  }
}

const titled = (entry, name) => entry.replace(/^<(\w+)[^>]*>/, `<entry xmlns="http://www.w3.org/2005/Atom"><title>${name}</title>`).replace(/<\/\w+>$/, "</entry>");

function ended({ link, senders = [], subscriptions = new Map() }, condition) {
  for (const l of [link, ...senders]) {
    l?.close({ condition, description: "the service ended the link" });
  }
  subscriptions.forEach((s) => ended(s, condition));
}

const http = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) {
    body += part;
  }
  const [status, text] = request.method === "POST" || signer(request.headers.authorization) === "all" ? administer(request.method, new URL(request.url, "http://x"), body) : [401, ""];
  response.writeHead(status, { "content-type": "application/atom+xml" }).end(text);
});

// Messages, by AMQP. A connection says by its replies, and by its claims, who it is.

const container = rhea.create_container();
container.sasl_server_mechanisms.enable_anonymous();
for (const quiet of ["disconnected", "error", "connection_error", "session_error", "receiver_error", "sender_error"]) {
  container.on(quiet, () => {});
}

/** Attaches a link as the client asks for it. */
const mirror = (link) => {
  link.set_source({ address: link.source?.address });
  link.set_target({ address: link.target?.address });
  for (const mode of ["snd_settle_mode", "rcv_settle_mode"]) {
    link.local.attach[mode] = link.remote.attach[mode];
  }
};

/** Refuses a link for want of a claim or of an entity, as the service does: once it is attached. */
function refuses({ connection }, link, entity, names) {
  const claim = connection.claim;
  if (!names.includes(claim)) {
    link.close({ condition: "amqp:unauthorized-access", description: `${claim ?? "nobody"} may not do this` });
  } else if (!entity) {
    link.close({ condition: "amqp:not-found", description: "there is no such entity" });
  }
  return !names.includes(claim) || !entity;
}

container.on("receiver_open", (context) => {
  const { receiver } = context;
  const { address } = receiver.target;
  mirror(receiver);
  receiver.local.attach.max_message_size = mostBytes;
  if (!address.includes("$") && !refuses(context, receiver, topics.get(address), ["all"])) {
    topics.get(address).senders.add(receiver);
  }
});

container.on("sender_open", (context) => {
  const { sender, connection } = context;
  const { address } = sender.source;
  mirror(sender);
  if (address.includes("$")) {
    (connection.replies ??= new Map()).set(sender.target.address, sender);
  } else if (!refuses(context, sender, subscriptionAt(address), ["all", "listen"])) {
    subscriptionAt(address).link = sender;
  }
});

container.on("message", ({ receiver, message, connection }) => {
  if (receiver.target.address === "$cbs") {
    connection.claim = signer(message.body);
    const answer = { "status-code": rhea.types.wrap_int(connection.claim ? 202 : 401), "status-description": connection.claim ? "Accepted" : "InvalidSignature" };
    connection.replies.get(message.reply_to).send({ correlation_id: message.message_id, application_properties: answer });
    return;
  }
  topics.get(receiver.target.address)?.subscriptions.forEach((s) => {
    s.messages.push(message.body);
    bring(s);
  });
});

container.on("sendable", ({ sender }) => {
  const s = subscriptionAt(sender.source.address);
  if (s?.link === sender) {
    bring(s);
  }
});

function bring({ link, messages }) {
  while (messages.length > 0 && link?.is_open() && link.sendable()) {
    link.send({ body: messages.shift() });
  }
}

createListener((socket) => {
  socket.on("error", () => {});
  socket.setNoDelay(true);
  socket.once("data", (begin) => {
    socket.pause();
    socket.unshift(begin);
    if (begin.toString("latin1", 0, 4) === "AMQP") {
      container.create_connection({ max_frame_size: 65536, idle_time_out: 30000 }).accept(socket);
    } else {
      http.emit("connection", socket);
    }
    socket.resume();
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
