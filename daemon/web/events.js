// events yields what each event of a stream says, until it ends. EventSource would do so too, and can send no token.
export async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += part.value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice("data: ".length));
      if (data.length) yield JSON.parse(data.join("\n"));
    }
  }
}
