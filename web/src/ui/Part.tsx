import { Component, type ComponentChildren } from "preact";

/** A mistake of ours in one part leaves the others standing; the next change tries it again. */
export class Part extends Component<{ children: ComponentChildren }, { failed: boolean }> {
  override state = { failed: false };

  static override getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidCatch(error: unknown): void {
    console.error(error);
    setTimeout(() => this.setState({ failed: false }), 1000);
  }

  override render(): ComponentChildren {
    return this.state.failed ? null : this.props.children;
  }
}
