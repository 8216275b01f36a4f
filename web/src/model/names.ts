/** What is wrong with the name of a DocType, as Frappe checks it; '' for nothing. */
export function doctypeNameProblem(name: string, taken: ReadonlySet<string>): string {
  if (taken.has(name)) return 'There is a DocType with this name.'
  if (name.length > 61) return 'A DocType has at most 61 characters: MariaDB has 64 for "tab" and the name.'
  return /^[A-Za-z][\w -]*$/.test(name) ? '' : 'Letters, digits, spaces, - and _; a letter first.'
}

/** What is wrong with a fieldname, as Frappe checks it; '' for nothing. */
export function fieldnameProblem(name: string, taken: ReadonlySet<string>): string {
  if (taken.has(name)) return 'There is a field with this name.'
  if (name.length > 64) return 'A field has at most 64 characters.'
  return /^[a-z_][a-z0-9_]*$/.test(name) ? '' : 'Small letters, digits and _; no digit first.'
}
