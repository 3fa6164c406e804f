"""routing: the directory of public structures, and who receives each invoice."""
