import type { OfferView } from '../../api/schema'

/** Whether it takes the release back. */
export function isBack({ command }: OfferView): boolean {
  return command === 'abort' || command === 'undo'
}

/** The buttons of a release, in three groups: what it waits for first, then steering, then the way back. */
export function grouped(offers: readonly OfferView[]): readonly OfferView[][] {
  const isSteer = ({ command }: OfferView) => ['pause', 'resume', 'retry'].includes(command)
  const groups = [
    offers.filter((offer) => !isBack(offer) && !isSteer(offer)),
    offers.filter(isSteer),
    offers.filter(isBack),
  ]
  return groups.filter((group) => group.length > 0)
}
