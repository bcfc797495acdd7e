"""The venue's JSON: typed structs of the wire, and what they mean in the house's own words."""
