/** Which release the page shows: it stands behind the # of its address, so that a reload shows the same. */
export interface Place {
  readonly namespace: string
  readonly name: string
}

/** The place of an address's end, null for the list. */
export function placeOf(hash: string): Place | null {
  const [namespace, name, ...more] = hash.replace(/^#\/?/, '').split('/').map(decoded)
  if (!namespace || !name || more.length > 0) return null
  return { namespace, name }
}

/** The end of the address of a place. */
export function hashOf(place: Place | null): string {
  return place === null ? '#/' : `#/${encodeURIComponent(place.namespace)}/${encodeURIComponent(place.name)}`
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return ''
  }
}
