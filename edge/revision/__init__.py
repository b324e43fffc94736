"""What people say of a slide, beside the machine: rules without a clock, a socket or a page."""
