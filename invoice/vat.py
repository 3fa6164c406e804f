"""VAT rates that an invoice may carry, in per cent: one table for what is typed and for data files."""

from decimal import Decimal

from invoice import packaged

#: chorus-pro.md 5: every rate that France has or had, overseas too (data/vat_rates.yaml).
RATES: tuple[Decimal, ...] = tuple(Decimal(rate) for rate in packaged.load("vat_rates.yaml"))
