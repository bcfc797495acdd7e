"""The conversation: state, nodes, graph and the models behind one port."""
