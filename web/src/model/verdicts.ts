/** The verdicts of a plan, from harmless to impossible. */
const ORDER = ['Neutral', 'Additive', 'ContractOnly', 'Synced', 'Mapped', 'Blocking']

/** What the model needs of a change. */
interface Judged {
  readonly doctype: string
  readonly field?: string | null
  readonly verdict: string
}

/** The worst verdict of each field that `isHere` knows the DocType of. A verdict that this page does not know is the worst. */
export function worstByField(changes: readonly Judged[], isHere: (doctype: string) => boolean): Map<string, string> {
  const rank = (verdict: string | undefined) => {
    if (verdict === undefined) return -1
    const at = ORDER.indexOf(verdict)
    return at < 0 ? ORDER.length : at
  }
  const worst = new Map<string, string>()
  for (const { doctype, field, verdict } of changes) {
    if (field && isHere(doctype) && rank(verdict) > rank(worst.get(field))) worst.set(field, verdict)
  }
  return worst
}
