"use strict";

// Renders /openapi.json. All text goes in as text nodes, so nothing in the document can become markup.

function element(name, options = {}, ...children) {
  const made = Object.assign(document.createElement(name), options);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function typeOf(schema) {
  if (!schema) return "nothing";
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return element("a", { href: `#${name}` }, name);
  }
  const choices = schema.oneOf || schema.anyOf;
  if (choices) return element("span", {}, ...choices.flatMap((choice, index) => (index ? [" or ", typeOf(choice)] : [typeOf(choice)])));
  if (schema.type === "array") return element("span", {}, "list of ", typeOf(schema.items));
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type || "any";
  return schema.format ? `${type} (${schema.format})` : type;
}

function bodyOf(content) {
  const [media, body] = Object.entries(content || {})[0] || [];
  return media ? element("span", {}, typeOf(body.schema), element("span", { className: "hint" }, ` ${media}`)) : "";
}

function table(titles, rows) {
  const head = element("tr", {}, ...titles.map((title) => element("th", {}, title)));
  return element("table", {}, head, ...rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell || "")))));
}

function operation(path, method, details) {
  const parameters = (details.parameters || []).map((given) => [
    element("code", {}, given.name), `${given.in}${given.required ? ", required" : ""}`, typeOf(given.schema), given.description,
  ]);
  const responses = Object.entries(details.responses || {}).map(([status, given]) => [status, given.description, bodyOf(given.content)]);
  const title = element("summary", {}, element("span", { className: "method" }, method.toUpperCase()), element("code", {}, path));
  const made = element("details", {}, title, element("p", {}, details.description || details.summary || ""),
    parameters.length ? table(["Parameter", "In", "Type", ""], parameters) : null,
    details.requestBody ? element("p", {}, "Body: ", bodyOf(details.requestBody.content)) : null,
    table(["Status", "Meaning", "Body"], responses));
  made.dataset.text = `${method} ${path} ${details.description || ""}`.toLowerCase();
  return made;
}

function schema(name, details) {
  const required = new Set(details.required || []);
  const rows = Object.entries(details.properties || {}).map(([field, given]) => [
    element("code", {}, field), required.has(field) ? "required" : "", typeOf(given), given.description,
  ]);
  return element("details", { id: name }, element("summary", {}, element("code", {}, name)),
    element("p", {}, details.description || ""), rows.length ? table(["Field", "", "Type", ""], rows) : null);
}

function render(description) {
  const groups = new Map();
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, details] of Object.entries(methods)) {
      const group = (details.tags || ["Other"])[0];
      groups.set(group, [...(groups.get(group) || []), operation(path, method, details)]);
    }
  }
  for (const [group, made] of groups) document.getElementById("operations").append(element("section", {}, element("h2", {}, group), ...made));
  document.getElementById("schemas").append(...Object.entries(description.components?.schemas || {}).map(([name, given]) => schema(name, given)));
  document.getElementById("summary").replaceChildren(`${description.info.title} ${description.info.version}. ${description.info.description || ""} `,
    element("a", { href: "/openapi.json" }, "OpenAPI document"));
}

function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
}

document.getElementById("filter").addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const made of document.querySelectorAll("#operations details")) made.hidden = !made.dataset.text.includes(wanted);
});
window.addEventListener("hashchange", openTarget);
fetch("/openapi.json").then((response) => response.json()).then(render).then(openTarget).catch((error) => {
  document.getElementById("summary").textContent = `The API description cannot be shown: ${error}`;
});
