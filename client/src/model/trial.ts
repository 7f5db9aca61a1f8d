import { NodeState } from "./node.js";
import { State } from "./state.js";

/** A state with changes laid over it, which leave it as it is. */
export class Trial extends State {
  constructor(private readonly under: State) {
    super();
    this.schema = under.schema;
    this.closed = under.closed;
  }

  override node(id: string): NodeState {
    let node = this.nodes.get(id);
    if (!node) this.nodes.set(id, (node = this.under.nodes.get(id)?.clone() ?? new NodeState()));
    return node;
  }

  /** Puts the changes into the state below. */
  commit(): void {
    for (const [id, node] of this.nodes) this.under.nodes.set(id, node);
    this.under.schema = this.schema;
    this.under.closed = this.closed;
  }
}
