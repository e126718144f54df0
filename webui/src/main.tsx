import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App";
import { SourceProvider } from "./data/answers";
import { httpSource } from "./data/http";
import "./style.css";
import "./parts/parts.css";

const root = document.getElementById("root");
if (root === null) {
  throw new Error("index.html has no #root element");
}
createRoot(root).render(
  <StrictMode>
    <SourceProvider source={httpSource()}>
      <App />
    </SourceProvider>
  </StrictMode>,
);
