"""Shop Tag becomes Shop Label."""

import samplebench


def execute():
    """Run the patch."""
    samplebench.rename_doc("DocType", "Shop Tag", "Shop Label", force=True)
