import { Component, type ReactNode } from "react";

import { asSourceError, type SourceError } from "../data/source";
import { ErrorMessage } from "./States";

/** Where its children cannot be shown, it says why; without it React takes the whole page away. */
export class Boundary extends Component<{ children: ReactNode }, { error: SourceError | null }> {
  override state: { error: SourceError | null } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: SourceError } {
    return { error: asSourceError(error) };
  }

  override render(): ReactNode {
    return this.state.error === null ? this.props.children : <ErrorMessage error={this.state.error} />;
  }
}
