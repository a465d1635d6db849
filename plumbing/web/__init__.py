"""What the services' pages share: the application factory, templates, one stylesheet, forms that cannot be forged."""
