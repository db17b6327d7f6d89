"""The provider's side: who may hire this node, and the activities that it runs for them."""
